package graphclient

func (s *SignIn) readJSON(r *jsonReader) error {
	return r.object(func(name []byte) error {
		switch string(name) {
		case "id":
			return r.str(&s.ID)
		case "createdDateTime":
			return r.moment(&s.CreatedDateTime)
		case "userId":
			return r.shared(&s.UserID)
		case "userPrincipalName":
			return r.shared(&s.UserPrincipalName)
		case "userDisplayName":
			return r.shared(&s.UserDisplayName)
		case "appId":
			return r.shared(&s.AppID)
		case "appDisplayName":
			return r.shared(&s.AppDisplayName)
		case "resourceDisplayName":
			return r.shared(&s.ResourceDisplayName)
		case "resourceId":
			return r.shared(&s.ResourceID)
		case "ipAddress":
			return r.shared(&s.IPAddress)
		case "clientAppUsed":
			return r.shared(&s.ClientAppUsed)
		case "userAgent":
			return r.shared(&s.UserAgent)
		case "correlationId":
			return r.str(&s.CorrelationID)
		case "conditionalAccessStatus":
			return r.shared(&s.ConditionalAccessStatus)
		case "isInteractive":
			return r.optional(&s.IsInteractive)
		case "riskState":
			return r.shared(&s.RiskState)
		case "riskLevelDuringSignIn":
			return r.shared(&s.RiskLevelDuringSignIn)
		case "riskLevelAggregated":
			return r.shared(&s.RiskLevelAggregated)
		case "riskDetail":
			return r.shared(&s.RiskDetail)
		case "riskEventTypes_v2":
			return r.strs(&s.RiskEventTypes, true)
		case "status":
			return s.Status.readJSON(r)
		case "location":
			return s.Location.readJSON(r)
		case "deviceDetail":
			return s.DeviceDetail.readJSON(r)
		case "appliedConditionalAccessPolicies":
			return r.other(&s.AppliedConditionalAccessPolicies)
		}
		return s.readBeta(r, name)
	})
}

// readBeta reads what beta has besides.
func (s *SignIn) readBeta(r *jsonReader, name []byte) error {
	switch string(name) {
	case "signInEventTypes":
		return r.strs(&s.SignInEventTypes, true)
	case "authenticationRequirement":
		return r.shared(&s.AuthenticationRequirement)
	case "authenticationProtocol":
		return r.shared(&s.AuthenticationProtocol)
	case "originalTransferMethod":
		return r.shared(&s.OriginalTransferMethod)
	case "incomingTokenType":
		return r.shared(&s.IncomingTokenType)
	case "uniqueTokenIdentifier":
		return r.str(&s.UniqueTokenIdentifier)
	case "sessionId":
		return r.shared(&s.SessionID)
	case "autonomousSystemNumber":
		return r.other(&s.AutonomousSystemNumber)
	case "authenticationDetails":
		return r.other(&s.AuthenticationDetails)
	case "crossTenantAccessType":
		return r.shared(&s.CrossTenantAccessType)
	case "ipAddressFromResourceProvider":
		return r.shared(&s.IPAddressFromResource)
	case "isThroughGlobalSecureAccess":
		return r.optional(&s.ThroughGlobalSecureAccess)
	case "globalSecureAccessIpAddress":
		return r.shared(&s.GlobalSecureAccessIPAddress)
	case "homeTenantId":
		return r.shared(&s.HomeTenantID)
	case "userType":
		return r.shared(&s.UserType)
	}
	_, err := r.skip()
	return err
}

func (s *SignInStatus) readJSON(r *jsonReader) error {
	return r.object(func(name []byte) error {
		switch string(name) {
		case "errorCode":
			return r.count(&s.ErrorCode)
		case "failureReason":
			return r.shared(&s.FailureReason)
		case "additionalDetails":
			return r.shared(&s.AdditionalDetails)
		}
		_, err := r.skip()
		return err
	})
}

func (l *SignInLocation) readJSON(r *jsonReader) error {
	return r.object(func(name []byte) error {
		switch string(name) {
		case "city":
			return r.shared(&l.City)
		case "state":
			return r.shared(&l.State)
		case "countryOrRegion":
			return r.shared(&l.CountryOrRegion)
		case "geoCoordinates":
			return r.other(&l.GeoCoordinates)
		}
		_, err := r.skip()
		return err
	})
}

func (d *SignInDevice) readJSON(r *jsonReader) error {
	return r.object(func(name []byte) error {
		switch string(name) {
		case "deviceId":
			return r.shared(&d.DeviceID)
		case "displayName":
			return r.shared(&d.DisplayName)
		case "operatingSystem":
			return r.shared(&d.OperatingSystem)
		case "browser":
			return r.shared(&d.Browser)
		case "isCompliant":
			return r.optional(&d.IsCompliant)
		case "isManaged":
			return r.optional(&d.IsManaged)
		case "trustType":
			return r.shared(&d.TrustType)
		case "browserId":
			return r.shared(&d.BrowserID)
		}
		_, err := r.skip()
		return err
	})
}

func (t *TraceRow) readJSON(r *jsonReader) error {
	var received string
	err := r.object(func(name []byte) error {
		switch string(name) {
		case "MessageTraceId":
			return r.str(&t.MessageTraceID)
		case "MessageId":
			return r.str(&t.MessageID)
		case "Received":
			return r.str(&received)
		case "SenderAddress":
			return r.shared(&t.SenderAddress)
		case "RecipientAddress":
			return r.shared(&t.RecipientAddress)
		case "Subject":
			return r.shared(&t.Subject)
		case "Status":
			return r.shared(&t.Status)
		case "FromIP":
			return r.shared(&t.FromIP)
		case "ToIP":
			return r.shared(&t.ToIP)
		case "Size":
			return r.count(&t.Size)
		}
		_, err := r.skip()
		return err
	})
	if at := parseMoment(received); at != nil {
		t.Received = *at
	}
	return err
}
