package graphclient

import "encoding/json"

// leanRow is a row that reads itself from a jsonReader.
type leanRow interface{ readJSON(*jsonReader) error }

// decode reads an answer: pages of lean rows in one pass, everything else by encoding/json.
func decode[T any](body []byte, v *T) error {
	if p, ok := any(v).(interface{ readPage([]byte) error }); ok {
		return p.readPage(body)
	}
	return json.Unmarshal(body, v)
}

// readPage reads a page of a collection.
func (p *page[T]) readPage(body []byte) error {
	var probe T
	if _, lean := any(&probe).(leanRow); !lean {
		return json.Unmarshal(body, p)
	}
	r := newJSONReader(body)
	err := r.object(func(name []byte) error {
		switch string(name) {
		case "value":
			p.Value = make([]T, 0, 1+len(body)/1024)
			return r.array(func() error {
				p.Value = append(p.Value, probe)
				return any(&p.Value[len(p.Value)-1]).(leanRow).readJSON(r)
			})
		case "@odata.nextLink":
			return r.str(&p.Next)
		case "@odata.count":
			return r.other(&p.Count)
		}
		_, err := r.skip()
		return err
	})
	if err != nil {
		return err
	}
	return r.end()
}

func (u *User) readJSON(r *jsonReader) error {
	return r.object(func(name []byte) error {
		switch string(name) {
		case "id":
			return r.str(&u.ID)
		case "displayName":
			return r.str(&u.DisplayName)
		case "userPrincipalName":
			return r.str(&u.UserPrincipalName)
		case "mail":
			return r.str(&u.Mail)
		case "mailNickname":
			return r.str(&u.MailNickname)
		case "givenName":
			return r.str(&u.GivenName)
		case "surname":
			return r.str(&u.Surname)
		case "userType":
			return r.shared(&u.UserType)
		case "accountEnabled":
			return r.optional(&u.AccountEnabled)
		case "jobTitle":
			return r.shared(&u.JobTitle)
		case "department":
			return r.shared(&u.Department)
		case "companyName":
			return r.shared(&u.CompanyName)
		case "officeLocation":
			return r.shared(&u.OfficeLocation)
		case "city":
			return r.shared(&u.City)
		case "country":
			return r.shared(&u.Country)
		case "usageLocation":
			return r.shared(&u.UsageLocation)
		case "preferredLanguage":
			return r.shared(&u.PreferredLanguage)
		case "mobilePhone":
			return r.str(&u.MobilePhone)
		case "employeeId":
			return r.str(&u.EmployeeID)
		case "businessPhones":
			return r.strs(&u.BusinessPhones, false)
		case "otherMails":
			return r.strs(&u.OtherMails, false)
		case "proxyAddresses":
			return r.strs(&u.ProxyAddresses, false)
		case "createdDateTime":
			return r.moment(&u.CreatedDateTime)
		case "deletedDateTime":
			return r.moment(&u.DeletedDateTime)
		case "lastPasswordChangeDateTime":
			return r.moment(&u.LastPasswordChangeDateTime)
		case "onPremisesLastSyncDateTime":
			return r.moment(&u.OnPremisesLastSyncDateTime)
		case "onPremisesSyncEnabled":
			return r.optional(&u.OnPremisesSyncEnabled)
		case "assignedLicenses":
			return readLicenses(r, &u.AssignedLicenses)
		case "signInActivity":
			return r.other(&u.SignInActivity)
		}
		return u.readRest(r, name)
	})
}

// readRest reads the members that are rarely part of a list.
func (u *User) readRest(r *jsonReader, name []byte) error {
	var into any
	switch string(name) {
	case "employeeType":
		into = &u.EmployeeType
	case "streetAddress":
		into = &u.StreetAddress
	case "state":
		into = &u.State
	case "postalCode":
		into = &u.PostalCode
	case "faxNumber":
		into = &u.FaxNumber
	case "ageGroup":
		into = &u.AgeGroup
	case "consentProvidedForMinor":
		into = &u.ConsentProvidedForMinor
	case "legalAgeGroupClassification":
		into = &u.LegalAgeGroupClassification
	case "showInAddressList":
		into = &u.ShowInAddressList
	case "isResourceAccount":
		into = &u.IsResourceAccount
	case "employeeHireDate":
		into = &u.EmployeeHireDate
	case "employeeLeaveDateTime":
		into = &u.EmployeeLeaveDateTime
	case "signInSessionsValidFromDateTime":
		into = &u.SignInSessionsValidFromDateTime
	case "passwordPolicies":
		into = &u.PasswordPolicies
	case "creationType":
		into = &u.CreationType
	case "externalUserState":
		into = &u.ExternalUserState
	case "externalUserStateChangeDateTime":
		into = &u.ExternalUserStateChangeDateTime
	case "onPremisesImmutableId":
		into = &u.OnPremisesImmutableID
	case "onPremisesDistinguishedName":
		into = &u.OnPremisesDistinguishedName
	case "onPremisesDomainName":
		into = &u.OnPremisesDomainName
	case "onPremisesSamAccountName":
		into = &u.OnPremisesSamAccountName
	case "onPremisesExtensionAttributes":
		into = &u.OnPremisesExtensionAttributes
	case "onPremisesProvisioningErrors":
		into = &u.OnPremisesProvisioningErrors
	case "licenseAssignmentStates":
		into = &u.LicenseAssignmentStates
	case "manager":
		into = &u.Manager
	default:
		_, err := r.skip()
		return err
	}
	return r.other(into)
}

func readLicenses(r *jsonReader, into *[]AssignedLicense) error {
	if r.null() {
		*into = nil
		return nil
	}
	out := []AssignedLicense{}
	err := r.array(func() error {
		var l AssignedLicense
		err := r.object(func(name []byte) error {
			switch string(name) {
			case "skuId":
				return r.shared(&l.SkuID)
			case "disabledPlans":
				return r.strs(&l.DisabledPlans, true)
			}
			_, err := r.skip()
			return err
		})
		out = append(out, l)
		return err
	})
	*into = out
	return err
}

func (d *RegistrationDetail) readJSON(r *jsonReader) error {
	return r.object(func(name []byte) error {
		switch string(name) {
		case "id":
			return r.str(&d.ID)
		case "userPrincipalName":
			return r.str(&d.UserPrincipalName)
		case "userDisplayName":
			return r.str(&d.UserDisplayName)
		case "userType":
			return r.shared(&d.UserType)
		case "isAdmin":
			return r.boolean(&d.IsAdmin)
		case "isMfaRegistered":
			return r.boolean(&d.IsMfaRegistered)
		case "isMfaCapable":
			return r.boolean(&d.IsMfaCapable)
		case "isPasswordlessCapable":
			return r.boolean(&d.IsPasswordlessCapable)
		case "isSsprRegistered":
			return r.boolean(&d.IsSsprRegistered)
		case "isSsprEnabled":
			return r.boolean(&d.IsSsprEnabled)
		case "isSsprCapable":
			return r.boolean(&d.IsSsprCapable)
		case "isSystemPreferredAuthenticationMethodEnabled":
			return r.boolean(&d.IsSystemPreferredAuthenticationMethodEnabled)
		case "systemPreferredAuthenticationMethods":
			return r.strs(&d.SystemPreferredAuthenticationMethods, true)
		case "userPreferredMethodForSecondaryAuthentication":
			return r.shared(&d.UserPreferredMethodForSecondaryAuthentication)
		case "methodsRegistered":
			return r.strs(&d.MethodsRegistered, true)
		case "lastUpdatedDateTime":
			return r.moment(&d.LastUpdatedDateTime)
		}
		_, err := r.skip()
		return err
	})
}
